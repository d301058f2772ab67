export function NewSessionPage() {
  return <h1>New session</h1>;
}
