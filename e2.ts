import { run } from './exp.ts';
const bash = (command: string, more = {}) => [{ tool: 'Bash', input: { command, ...more } }];
for (const pr of [{}, { priority: 'later' }]) {
  console.log('=== chat in own turn', pr);
  await run((latest) => {
    if (latest.includes('go bg')) return bash('sleep 1', { run_in_background: true });
    if (latest.includes('hello chat')) return [{ words: ['answer to chat'] }];
    if (latest.includes('task-notification')) return bash('sleep 3');
    if (latest.includes('tool_result')) return [{ words: ['done tool'] }];
    return [{ words: ['other'] }];
  }, async (c) => {
    c.prompt('go bg');
    await c.until(() => c.lines.filter((l: any) => l.type === 'system' && l.subtype === 'init').length >= 2, 15000);
    await c.sleep(700);
    c.prompt('hello chat', pr);
    await c.until(() => c.lines.filter((l: any) => l.subtype === 'session_state_changed' && l.state === 'idle').length >= 2, 12000);
    await c.sleep(500);
  });
}
console.log('=== interrupt right after prompt');
await run((latest) => latest.includes('slow one') ? bash('sleep 20') : [{ words: ['hi'] }], async (c) => {
  const m = c.prompt('slow one');
  c.control({ subtype: 'interrupt', cancel_queued: true });
  await c.sleep(2500);
  console.log('--- with started but before init');
  const n = c.prompt('slow two slow one');
  await c.until((l: any) => l.some((x: any) => x.type === 'command_lifecycle' && x.command_uuid === n && x.state === 'started'), 4000);
  c.control({ subtype: 'interrupt', cancel_queued: true });
  await c.sleep(2500);
});
