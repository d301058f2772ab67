/** The container's own name, which is also that of no host that a rule could reach. */
const CONTAINER_HOSTNAME = 'session';

const OWN_NAME = /(^|\.)localhost$|^localhost\.localdomain$/;
const OWN_ADDRESS = /^127\.\d+\.\d+\.\d+$|^0\.0\.0\.0$|^::1?$|^::ffff:7f[0-9a-f]{2}:/;

/**
 * To every program this host means its own machine, and it keeps that meaning in a container: the wrapper's end of the proxy
 * connects there itself.
 *
 * @param host canonical
 */
export function meansContainer(host: string): boolean {
  return host === CONTAINER_HOSTNAME || OWN_NAME.test(host) || OWN_ADDRESS.test(host);
}
