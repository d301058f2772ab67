import path from 'node:path';
import type { NetworkRules } from './networks.ts';
import type { WranglerConfig } from './wrangler-config.ts';

/**
 * V8's young objects, MB. The objects outside of V8's heap that a call makes (request, answer, their headers) go with them, and with
 * V8's own 16 MB there are so many at once that to free them stops workerd for a quarter of a second. It takes 150 MB less, too.
 */
const YOUNG_MB = 2;

/** The name of the socket that workerd serves on, as its control messages have it. */
export const HTTP_SOCKET = 'http';

export interface WorkerdInput {
  readonly config: WranglerConfig;
  /** The file that this text will be in: what it embeds is named from there. */
  readonly file: string;
  /** The bundled Worker. */
  readonly worker: string;
  /** The folder with the objects' databases. */
  readonly objectsFolder: string;
  /** The folder with what the binding `ASSETS` serves. */
  readonly assetsFolder: string;
  /** Names of the Worker's texts. Their values are in workerd's environment, so no file has a secret. */
  readonly texts: readonly string[];
  /** What the Worker's own `fetch` reaches: services that the operator names. */
  readonly outbound: NetworkRules;
  readonly webhooks: NetworkRules;
  /** `HOST:PORT` of the service that says how full the disk is. */
  readonly diskAddress: string;
}

/**
 * workerd's configuration, in the text form of Cap'n Proto (`workerd.capnp` in the package is its schema). An object's identity is
 * made of `uniqueKey`, which is as Miniflare and Wrangler make it: they open the same state.
 */
export function workerdConfig(input: WorkerdInput): string {
  const { config, file, worker, objectsFolder, assetsFolder, texts, outbound, webhooks, diskAddress } = input;
  const objects = config.durable_objects.bindings;
  return `# Made at each start; a change here is lost.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "edge", worker = (
      modules = [(name = ${text(path.basename(worker))}, esModule = embed ${text(path.relative(path.dirname(file), worker))})],
      compatibilityDate = ${text(config.compatibility_date)},
      compatibilityFlags = ${textList(config.compatibility_flags)},
      bindings = [
        ${list([
          ...texts.map((name) => `(name = ${text(name)}, fromEnvironment = ${text(name)})`),
          ...objects.map(
            ({ name, class_name }) => `(name = ${text(name)}, durableObjectNamespace = ${text(class_name)})`,
          ),
          '(name = "RUNTIME", text = "workerd")',
          '(name = "WEBHOOKS", service = "webhooks")',
          '(name = "DISK", service = "disk")',
          '(name = "ASSETS", service = "assets")',
        ])}
      ],
      globalOutbound = "outbound",
      durableObjectNamespaces = [
        ${list(
          objects.map(
            ({ class_name }) =>
              `(className = ${text(class_name)}, uniqueKey = ${text(`${config.name}-${class_name}`)}, enableSql = true)`,
          ),
        )}
      ],
      durableObjectStorage = (localDisk = "objects"),
    )),
    (name = "objects", disk = (path = ${text(objectsFolder)}, writable = true)),
    (name = "assets", disk = (path = ${text(assetsFolder)})),
    (name = "outbound", network = ${network(outbound)}),
    (name = "webhooks", network = ${network(webhooks)}),
    (name = "disk", external = (address = ${text(diskAddress)}, http = ())),
  ],
  # Where it listens is said on the command line.
  sockets = [(name = ${text(HTTP_SOCKET)}, address = "127.0.0.1:0", http = (), service = "edge")],
  v8Flags = ["--max-semi-space-size=${YOUNG_MB}"],
);
`;
}

function network({ allow, deny, trustedCertificates }: NetworkRules): string {
  const tls = `(trustBrowserCas = true, trustedCertificates = ${textList(trustedCertificates)})`;
  return `(allow = ${textList(allow)}, deny = ${textList(deny)}, tlsOptions = ${tls})`;
}

const list = (entries: readonly string[]): string => entries.join(',\n        ');

const textList = (values: readonly string[]): string => `[${values.map(text).join(', ')}]`;

/** A text literal. What could end it, or is not printable, is written by its code. */
function text(value: string): string {
  const escaped = value.replace(/["\\\p{Cc}]/gu, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return `"${escaped}"`;
}
