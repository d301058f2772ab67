import { run } from './exp.ts';
// two agents at once, ending about together
await run((latest) => {
  if (latest.includes('go agents')) return [{ tool: 'Agent', input: { description: 'd1', prompt: 'sub one', subagent_type: 'general-purpose' } }, { tool: 'Agent', input: { description: 'd2', prompt: 'sub two', subagent_type: 'general-purpose' } }];
  if (latest.includes('sub one')) return [{ words: slow('report one', 1500) }];
  if (latest.includes('sub two')) return [{ words: slow('report two', 1500) }];
  if (latest.includes('tool_result')) return [{ words: ['started'] }];
  return [{ words: ['note: ' + latest.slice(0, 60)] }];
}, async (c) => {
  c.prompt('go agents');
  await c.until(() => c.results().length >= 2, 15000);
  await c.sleep(3000);
});
async function* slow(t: string, ms: number) { await new Promise(r => setTimeout(r, ms)); yield t; }
