/** What a test in workerd asks of it, as a `PUT` of the endpoint. */
export type PushOrder =
  | { readonly subscribe: string }
  | { readonly answers: readonly number[] }
  | { readonly end: true };
