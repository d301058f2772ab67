/** The job was aborted: nobody wants its result any more. */
export class Aborted extends Error {
  override readonly name = 'Aborted';
}
