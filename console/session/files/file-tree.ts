import { signal } from '@preact/signals';
import { CcDockerError, type FileEntry, type Session } from '../../../client/main.ts';
import { visibleText } from '../../safe/text/visible.ts';
import { sorted, wayTo, type Folder, type Folders } from './tree.ts';

/** So many of a folder's entries are shown. */
const MOST_ENTRIES = 2000;
const CLOSED: Folder = { isOpen: false, entries: null, isCut: false, problem: null };

/** The workspace's folders, each loaded when it is opened. */
export class FileTree {
  readonly folders = signal<Folders>(new Map());
  readonly #session: Session;
  readonly #signal: AbortSignal;
  readonly #loading = new Map<string, Promise<void>>();
  #isReloading = false;
  #isStale = false;

  constructor(session: Session, signal: AbortSignal) {
    this.#session = session;
    this.#signal = signal;
  }

  toggle(path: string): void {
    const isOpen = this.folders.value.get(path)?.isOpen !== true;
    this.#set(path, { isOpen });
    if (isOpen) void this.#load(path);
  }

  /** Opens the folders on the way to a path, one after the other: each says whether there is a next one. */
  async open(path: string): Promise<void> {
    for (const folder of wayTo(path)) await this.openFolder(folder);
  }

  async openFolder(path: string): Promise<void> {
    this.#set(path, { isOpen: true });
    if (this.folders.value.get(path)?.entries === null) await this.#load(path);
  }

  /** Looks again into all folders that are open. While it looks, once more afterwards, however often this is called. */
  reload(): void {
    this.#isStale = true;
    if (!this.#isReloading) void this.#reload();
  }

  async #reload(): Promise<void> {
    this.#isReloading = true;
    while (this.#isStale && !this.#signal.aborted) {
      this.#isStale = false;
      const open = [...this.folders.value].filter(([, { isOpen }]) => isOpen).map(([path]) => path);
      for (const path of open) await this.#load(path);
    }
    this.#isReloading = false;
  }

  #load(path: string): Promise<void> {
    const now = this.#loading.get(path);
    if (now !== undefined) return now;
    const loading = this.#ask(path).finally(() => this.#loading.delete(path));
    this.#loading.set(path, loading);
    return loading;
  }

  async #ask(path: string): Promise<void> {
    try {
      const entries: FileEntry[] = [];
      let isCut = false;
      for await (const entry of this.#session.files.list(path, { signal: this.#signal })) {
        if (entries.length === MOST_ENTRIES) {
          isCut = true;
          break;
        }
        entries.push(entry);
      }
      const isFirst = this.folders.value.get(path)?.entries === null;
      this.#set(path, { entries: sorted(entries), isCut, problem: null });
      // A folder that is alone hides what people look for.
      const [only] = entries;
      if (isFirst && entries.length === 1 && only?.type === 'directory') await this.openFolder(only.path);
    } catch (error) {
      if (this.#signal.aborted) return;
      if (!(error instanceof CcDockerError)) throw error;
      // It is gone, or no folder any more.
      if (path !== '' && (error.code === 'file_not_found' || error.code === 'not_a_directory')) this.#forget(path);
      else this.#set(path, { problem: visibleText(error.detail, 300) });
    }
  }

  #set(path: string, change: Partial<Folder>): void {
    this.folders.value = new Map(this.folders.value).set(path, {
      ...(this.folders.value.get(path) ?? CLOSED),
      ...change,
    });
  }

  #forget(path: string): void {
    this.folders.value = new Map([...this.folders.value].filter(([other]) => other !== path));
  }
}
