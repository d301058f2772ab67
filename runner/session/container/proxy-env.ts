import { MODEL_HOST } from '../../model/upstream.ts';

/** The port of the proxy inside the container. Nothing else listens on it before the wrapper does. */
export const PROXY_PORT = 3128;

/** Options that every JVM takes from its environment. */
export const JAVA_OPTIONS = 'JAVA_TOOL_OPTIONS';

const PROXY_HOST = '127.0.0.1';

/** Some tools read upper-case names, some lower-case ones; curl reads only the lower-case `http_proxy`. */
export function proxyEnv(): Record<string, string> {
  const proxy = `http://${PROXY_HOST}:${PROXY_PORT}`;
  // Calls to the model go to the gateway's socket, not to the proxy. The rest is the container itself. Tools read this list in
  // different ways (some know ranges, some do not, and some fail over `[::1]`), so the wrapper's end of the proxy knows it all
  // the same. `::1` is left to that end: where a container has no IPv6, it goes on to 127.0.0.1.
  const direct = `localhost,.localhost,session,127.0.0.1,127.0.0.0/8,0.0.0.0,${MODEL_HOST}`;
  return {
    HTTP_PROXY: proxy,
    http_proxy: proxy,
    HTTPS_PROXY: proxy,
    https_proxy: proxy,
    // Of what has no variable of its own: ftp, WebSockets.
    ALL_PROXY: proxy,
    all_proxy: proxy,
    NO_PROXY: direct,
    no_proxy: direct,
    // Makes Node's own fetch and http use the proxy, from version 24 on.
    NODE_USE_ENV_PROXY: '1',
    // These know none of the variables above.
    YARN_HTTP_PROXY: proxy,
    YARN_HTTPS_PROXY: proxy,
    RSYNC_PROXY: `${PROXY_HOST}:${PROXY_PORT}`,
  };
}

/**
 * Makes every JVM use the proxy and trust what the session's other tools trust. `JAVA_TOOL_OPTIONS`, not `JDK_JAVA_OPTIONS`:
 * only the launcher `java` of JDK 9 and later reads that one, so no daemon of Gradle's or Bazel's does. The price is a line on
 * stderr, "Picked up JAVA_TOOL_OPTIONS: …".
 *
 * @param trustStore a PKCS #12 file without a password
 * @param more options that are set already; they come last, so they win
 */
export function javaEnv(trustStore: string, more: string | undefined): Record<string, string> {
  const direct = ['localhost', '*.localhost', 'localhost.localdomain', 'session', '127.*', '0.0.0.0'];
  const options = {
    'http.proxyHost': PROXY_HOST,
    'http.proxyPort': String(PROXY_PORT),
    'https.proxyHost': PROXY_HOST,
    'https.proxyPort': String(PROXY_PORT),
    // Of https too. There are no ranges in it.
    'http.nonProxyHosts': direct.join('|'),
    'javax.net.ssl.trustStore': trustStore,
    'javax.net.ssl.trustStoreType': 'PKCS12',
  };
  const own = Object.entries(options).map(([name, value]) => `-D${name}=${value}`);
  return { [JAVA_OPTIONS]: [...own, ...(more === undefined ? [] : [more])].join(' ') };
}
