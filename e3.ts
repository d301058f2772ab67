import { run } from './exp.ts';
const bash = (command: string, more = {}) => [{ tool: 'Bash', input: { command, ...more } }];
const agent = { tool: 'Agent', input: { description: 'd1', prompt: 'sub one', subagent_type: 'general-purpose' } };
async function* slow(t: string, ms: number) { await new Promise(r => setTimeout(r, ms)); yield t; }
const script = (latest: string) => {
  if (latest.includes('go agent')) return [agent];
  if (latest.includes('go bg')) return bash('sleep 30', { run_in_background: true });
  if (latest.includes('go monitor')) return [{ tool: 'Monitor', input: { command: 'sleep 2; echo event; sleep 20', description: 'mon', timeout_ms: 60000, persistent: false } }];
  if (latest.includes('sub one')) return [{ words: slow('report one', 3000) }];
  if (latest.includes('user sleeps')) return bash('sleep 4');
  if (latest.includes('task-notification')) return [{ words: ['noted the report'] }];
  if (latest.includes('tool_result')) return [{ words: ['done'] }];
  return [{ words: ['other'] }];
};
const want = (process.argv[2] ?? '').split(',');
if (want.includes('a')) { console.log('=== agent ends while user turn sleeps'); await run(script, async (c) => {
  c.prompt('go agent'); await c.until(() => c.results().length >= 1);
  c.prompt('user sleeps'); await c.until(() => c.results().length >= 2, 12000); await c.sleep(2500);
}); }
if (want.includes('b')) { console.log('=== interrupt with only agent + bash running, spare'); await run(script, async (c) => {
  c.prompt('go bg'); await c.until(() => c.results().length >= 1);
  c.prompt('go agent'); await c.until(() => c.results().length >= 2);
  c.control({ subtype: 'interrupt', cancel_queued: true, spare_background_tasks: true }); await c.sleep(1000);
  console.log('--- not spare'); c.control({ subtype: 'interrupt', cancel_queued: true }); await c.sleep(1500);
  const t = c.lines.find((l: any) => l.subtype === 'task_started' && l.task_type === 'local_bash');
  console.log('--- stop bash'); c.control({ subtype: 'stop_task', task_id: t.task_id }); await c.sleep(2000);
}); }
if (want.includes('c')) { console.log('=== monitor'); await run(script, async (c) => {
  c.prompt('go monitor'); await c.until(() => c.results().length >= 2, 8000); await c.sleep(1500);
}); }
if (want.includes('d')) { console.log('=== clear'); await run(script, async (c) => {
  c.prompt('hello', {priority:'later'}); await c.until(() => c.results().length >= 1);
  c.prompt('/clear', {priority:'later'}); await c.until(() => c.results().length >= 2, 8000); await c.sleep(500);
  c.prompt('hello2', {priority:'later'}); await c.until(() => c.results().length >= 3, 8000); await c.sleep(500);
}); }
