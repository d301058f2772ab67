/** For an address that no page has. */
export function NotFoundPage() {
  return (
    <>
      <h1>There is no such page</h1>
      <p>
        <a href="/">The inbox</a> has what waits for you.
      </p>
    </>
  );
}
