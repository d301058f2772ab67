import { createApp } from '../app.ts';
import { VERSION } from '../../protocol/version.ts';
import { operationOf, type Operation, type SharedAnswers } from './operation.ts';
import { namedSchemas } from './schemas.ts';
import { TAGS } from './tags.ts';

const DESCRIPTION = [
  'Claude Code sessions in containers on your own machine. A session takes messages, and its log has all that its agent does:',
  'read it in pages, by Server-Sent Events, or over a WebSocket, from any point.',
].join(' ');

const schema = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const ITEM = { anyOf: [schema('Event'), schema('Preview')] };

/** What OpenAPI 3.1 has no word for: what goes over a connection that stays open. */
const FRAMES: Readonly<Record<string, object>> = {
  listEvents: { 'x-server-sent-events': { data: ITEM } },
  openFeed: { 'x-server-sent-events': { data: schema('FeedEvent') } },
  openStream: {
    'x-websocket': {
      client: schema('ViewerFrame'),
      server: { anyOf: [{ type: 'array', items: ITEM }, schema('ViewerAnswer')] },
    },
  },
  openTerminal: { 'x-websocket': { client: schema('TerminalFrame'), server: schema('TerminalAnswer') } },
};

/** The OpenAPI document of the API. It is made of what the app itself has: its routes and their schemas. */
export function openApiDocument() {
  const { definitions } = createApp().openAPIRegistry;
  const paths: Record<string, Record<string, Operation>> = {};
  const responses: SharedAnswers = {};
  const securitySchemes: Record<string, unknown> = {};
  for (const definition of definitions) {
    if (definition.type === 'route') {
      const { path, method } = definition.route;
      const operation = operationOf(definition.route, responses);
      (paths[path] ??= {})[method] = { ...operation, ...FRAMES[operation.operationId] };
    } else if (definition.type === 'component') securitySchemes[definition.name] = definition.component;
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'CC-Docker',
      version: VERSION,
      description: DESCRIPTION,
      contact: { name: 'Whoever runs this service' },
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'The service that this document comes from' }],
    tags: TAGS,
    paths,
    components: { securitySchemes, responses, schemas: namedSchemas() },
  };
}
