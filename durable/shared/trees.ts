/** Stored trees, and the storage that holds them; null: empty. */
export interface Trees {
  readonly workspace: string | null;
  readonly conversation: string | null;
  readonly storage: string | null;
}

/** What a session's files begin with. */
export interface Beginning extends Trees {
  /** The session whose conversation it continues, and Claude Code's id of that conversation; null: it has its own. */
  readonly fork_of: string | null;
  readonly conversation_id: string | null;
  /** It begins with what its creator named, whatever the head of its workspace is. */
  readonly pinned: boolean;
}

/** The newest snapshot of a persistent workspace. */
export interface Head {
  readonly snapshot_id: string;
  readonly storage: string;
}
