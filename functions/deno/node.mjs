// Typed beside this: Node's own types would have the edge checked against Node. Deno has both.
export { AsyncLocalStorage } from 'node:async_hooks';
export { WebSocket } from 'ws';
