/** Nobody wants the result any more. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp';
}
