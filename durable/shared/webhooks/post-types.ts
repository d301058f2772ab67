/** An HTTP request, save for its method, which is POST. */
export interface PostRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer>;
}

/** The outcome of one post: the answer's status, or why there was no answer. */
export type PostOutcome =
  | { readonly status: number; readonly retry_after: string | null }
  | { readonly status: null; readonly why: string };
