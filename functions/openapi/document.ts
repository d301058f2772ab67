import { createApp } from '../app.ts';
import { VERSION } from '../../protocol/version.ts';
import { operationOf, type Operation } from './operation.ts';
import { namedSchemas } from './schemas.ts';
import { TAGS } from './tags.ts';

const DESCRIPTION = [
  'Claude Code sessions in containers on your own machine. A session takes messages, and its log has all that its agent does:',
  'read it in pages, by Server-Sent Events, or over a WebSocket, from any point.',
].join(' ');

/** The OpenAPI document of the API. It is made of what the app itself has: its routes and their schemas. */
export function openApiDocument() {
  const { definitions } = createApp().openAPIRegistry;
  const paths: Record<string, Record<string, Operation>> = {};
  const securitySchemes: Record<string, unknown> = {};
  for (const definition of definitions) {
    if (definition.type === 'route') {
      const { path, method } = definition.route;
      (paths[path] ??= {})[method] = operationOf(definition.route);
    } else if (definition.type === 'component') securitySchemes[definition.name] = definition.component;
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'CC-Docker',
      version: VERSION,
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'The service that this document comes from' }],
    tags: TAGS,
    paths,
    components: { securitySchemes, schemas: namedSchemas() },
  };
}
