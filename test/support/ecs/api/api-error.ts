/** A refusal as ECS gives it: HTTP 400 and its name, unless something else is said. */
export class ApiError extends Error {
  readonly type: string;
  readonly status: number;
  /** Further fields of the answer. */
  readonly more: Record<string, unknown>;

  constructor(type: string, message: string, { status = 400, more = {} } = {}) {
    super(message);
    this.type = type;
    this.status = status;
    this.more = more;
  }
}

export const invalid = (message: string) => new ApiError('InvalidParameterException', message);
export const refused = (message: string) => new ApiError('ClientException', message);
