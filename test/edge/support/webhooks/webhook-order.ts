/** What a test orders of the object in `webhook-worker.ts`, and the time that it then is. */
export interface Order {
  readonly now: number;
  readonly target?: { readonly url: string; readonly secret: string };
  readonly add?: readonly { readonly id: string; readonly body: string }[];
  /** What is added has one try left. */
  readonly last_try?: boolean;
  readonly tell?: boolean;
  /** There is no such session any more. */
  readonly gone?: boolean;
  /** Does not wait until no post is under way. */
  readonly at_once?: boolean;
}

/** How it is then. */
export interface State {
  readonly waiting: number;
  readonly next_try: number | null;
  readonly given_up: readonly { readonly url: string; readonly attempts: number; readonly detail: string }[];
}
