/**
 * Preloaded into the runner (`node --import`): when `start` dies, the runner drains as after a SIGTERM. So the runner's own
 * code need not know who started it.
 */
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// The listener alone must not keep the process alive.
process.channel?.unref();
