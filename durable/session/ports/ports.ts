import type { PortList, PortView, SharePortRequest } from '../../../protocol/api/session/port.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import { previewPlace, previewUrl, type PreviewPlace } from '../../../protocol/preview/host.ts';
import { previewKey } from '../../../protocol/preview/key.ts';
import { encodeLabel } from '../../../protocol/preview/label.ts';
import type { PortShare } from '../store/tables/port-table.ts';
import type { SessionStore } from '../store/store.ts';

const NO_PLACE: Refusal = {
  refused: 'previews_not_configured',
  detail:
    'This service is not reached as localhost, so each shared port needs a name of its own: the operator sets PREVIEW_DOMAIN (docs/ports.md).',
};

const NOT_SHARED: Refusal = {
  refused: 'port_not_shared',
  detail: 'This port of the session is not shared, or no longer. `GET …/ports` lists those that are.',
};

/** A session's ports: which are shared, and at which URLs. */
export class SessionPorts {
  readonly #store: SessionStore;

  constructor(store: SessionStore) {
    this.#store = store;
  }

  /** @param origin at which the caller reached the service */
  async list(origin: string): Promise<PortList> {
    const place = this.#place(origin);
    const shares = this.#store.ports.all(Date.now());
    const listening = this.#store.ports.listening();
    // Without a place there are no URLs to show, and so nothing is shared.
    const data = 'refused' in place ? [] : await Promise.all(shares.map((share) => this.#view(share, place)));
    return { data, listening };
  }

  /** Shares a port; one that is shared keeps its URL. */
  async share(request: SharePortRequest, by: 'owner' | 'agent', origin: string | null): Promise<PortView | Refusal> {
    const place = this.#place(origin);
    if ('refused' in place) return place;
    const share = this.#store.change((tx) => tx.ports.share({ ...request, by }));
    return 'refused' in share ? share : this.#view(share, place);
  }

  /** As `share`, for the agent: the URL is where the session's creator reached the service. */
  shareForAgent(request: SharePortRequest): Promise<PortView | Refusal> {
    return this.share(request, 'agent', this.#store.current.identity.origin ?? null);
  }

  unshare(port: number): { unshared: true } | Refusal {
    return this.#store.change((tx) => tx.ports.remove(port)) ? { unshared: true } : NOT_SHARED;
  }

  #place(origin: string | null): PreviewPlace | Refusal {
    return previewPlace(this.#store.settings, origin) ?? NO_PLACE;
  }

  async #view({ port, label, secret, created, expires }: PortShare, place: PreviewPlace): Promise<PortView> {
    const { session_id } = this.#store.current.identity;
    const host = encodeLabel({ session_id, port, secret });
    const listening = this.#store.ports.isListening(port);
    return {
      port,
      label,
      url: previewUrl(place, host, await previewKey(this.#store.settings, host)),
      created_at: new Date(created).toISOString(),
      expires_at: new Date(expires).toISOString(),
      listening,
    };
  }
}
