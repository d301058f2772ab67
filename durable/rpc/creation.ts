/** How a session came to be, beside what its files begin with. */
export interface Birth {
  /** Whether a budget is above it. */
  readonly leave: 'free' | 'due';
  /** Null: it is nobody's child. */
  readonly spawn: SpawnBirth | null;
}

/** What a child is begun with. */
export interface SpawnBirth {
  /** The session that began it. */
  readonly parent: string;
  readonly title: string | null;
  /** Its first message. */
  readonly message_id: string;
  readonly prompt: string;
  /** Where its news are posted; null: nowhere but to its parent. */
  readonly webhook: Webhook | null;
  /** The session in whose files it works: its parent, or the one in whose files that works; null: it has its own. */
  readonly inherits: string | null;
}

export interface Webhook {
  readonly url: string;
  /** `whsec_` and base64: signs what is posted. */
  readonly secret: string;
}
