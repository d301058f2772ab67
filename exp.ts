import { spawn } from 'node:child_process';
import { mkdtempSync, mkdirSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { scriptedModel, type Script } from './test/support/wrapper/scripted-model.ts';
export async function run(script: Script, drive: (c: any) => Promise<void>, extra: Record<string,string> = {}, args: string[] = []) {
  const dir = mkdtempSync('/tmp/exp/x-');
  for (const n of ['home','tmp','workspace']) mkdirSync(join(dir,n));
  const model = await scriptedModel(join(dir,'model.sock'), script);
  const child = spawn('/work/main/node_modules/@anthropic-ai/claude-code-linux-x64/claude', ['-p','--input-format','stream-json','--output-format','stream-json','--verbose','--replay-user-messages','--permission-mode','bypassPermissions',...args], { cwd: join(dir,'workspace'), env: { HOME: join(dir,'home'), TMPDIR: join(dir,'tmp'), PATH:'/usr/bin:/bin', IS_SANDBOX:'1', ANTHROPIC_API_KEY:'sk-ant-dummy', ANTHROPIC_BASE_URL:'http://model.test', ANTHROPIC_UNIX_SOCKET: join(dir,'model.sock'), CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC:'1', CLAUDE_CODE_MAX_RETRIES:'0', DISABLE_AUTOUPDATER:'1', DISABLE_TELEMETRY:'1', CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS:'1', ...extra } });
  const t0 = Date.now(); let buf=''; const lines: any[] = []; const waiters: (()=>void)[] = [];
  child.stdout.setEncoding('utf8').on('data', (d: string) => { buf += d; const parts = buf.split('\n'); buf = parts.pop()!; for (const p of parts) { const l = JSON.parse(p); lines.push(l); show(l); } for (const w of waiters.splice(0)) w(); });
  child.stderr.pipe(process.stderr);
  const names = new Map<string,string>();
  function nm(u: string) { return names.get(u) ?? u?.slice(0,8); }
  function show(l: any) {
    const t = String(Date.now()-t0).padStart(6);
    const pick: any = {};
    for (const k of ['subtype','state','status','terminal_reason','origin','user_message_uuids','result','task_id','run_id','tasks','patch','summary','is_error','permissionMode','trigger','parent_tool_use_id','agent_id','wakeup_source','num_turns','stop_reason','summary_is_report','is_backgrounded','tool_use_id','isReplay','task_type']) if (l[k] !== undefined && l[k] !== null) pick[k] = l[k];
    if (l.command_uuid) pick.cmd = nm(l.command_uuid); if (pick.user_message_uuids) pick.user_message_uuids = pick.user_message_uuids.map(nm);
    if (l.type==='system'&&l.subtype==='init') { for (const k of Object.keys(pick)) if (k!=='subtype'&&k!=='user_message_uuids') delete pick[k]; }
    if (l.type==='user') { pick.uuid = nm(l.uuid); pick.c = JSON.stringify(l.message?.content).slice(0,150); }
    if (l.type==='assistant') pick.c = JSON.stringify(l.message?.content).slice(0,120);
    if (l.type==='control_response') pick.r = JSON.stringify(l.response).slice(0,200);
    if (l.type==='control_request') pick.r = JSON.stringify(l.request).slice(0,200);
    pick.sid = l.session_id?.slice(0,4);
    console.log(t, l.type, JSON.stringify(pick));
  }
  const write = (o: any) => child.stdin.write(JSON.stringify(o)+'\n');
  const c = {
    lines, dir,
    prompt(text: string, more: any = {}) { const uuid = randomUUID(); names.set(uuid, 'M:'+text.slice(0,12)); write({ type:'user', message:{ role:'user', content:[{type:'text', text}]}, parent_tool_use_id:null, uuid, ...more }); console.log('   >>', text.slice(0,30), JSON.stringify(more)); return uuid; },
    control(request: any, id = 'r'+Math.random().toString(36).slice(2,6)) { write({ type:'control_request', request_id:id, request }); console.log('   >> control', JSON.stringify(request)); return id; },
    answer(request_id: string, response: any) { write({type:'control_response', response:{subtype:'success', request_id, response}}); },
    async until(pred: (l: any[]) => any, ms = 30000) { const end = Date.now()+ms; for(;;){ const v = pred(lines); if (v) return v; if (Date.now()>end) { console.log('   !! timeout'); return null; } await new Promise<void>(r=>{ waiters.push(r); setTimeout(r, 300); }); } },
    sleep: (ms: number) => new Promise(r=>setTimeout(r,ms)),
    results: () => lines.filter(l=>l.type==='result'),
    child,
  };
  c.control({ subtype: 'initialize' }, 'init');
  await c.until((l: any[]) => l.some(x=>x.type==='control_response'));
  try { await drive(c); } finally { child.kill('SIGKILL'); await model[Symbol.asyncDispose](); }
}
