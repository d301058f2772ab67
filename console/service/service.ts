import { CcDocker } from '../../client/main.ts';
import { pageKey } from './page-key.ts';
import { waitingFetch } from './waiting-fetch.ts';

/** The service that has served this page. Each call is made as whoever is signed in to this browser. */
export const cc = new CcDocker({ url: location.origin, pageKey, fetch: waitingFetch });
