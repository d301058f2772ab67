/** The names of an object's own tables. */
export function tablesOf({ sql }: DurableObjectStorage): string[] {
  const own =
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'";
  return [...sql.exec<{ name: string }>(own)].map(({ name }) => name);
}
