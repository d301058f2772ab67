/** A tool's call in one line. */
export interface ToolLine {
  readonly name: string;
  /** What it does, such as a command or a file; may be empty. */
  readonly what: string;
  /** `what` is a path. */
  readonly isPath?: boolean;
  /** Lines that it adds and takes away. */
  readonly changed?: { readonly added: number; readonly removed: number };
}
