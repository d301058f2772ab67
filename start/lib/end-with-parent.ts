/**
 * Preloaded into the runner (`node --import`): when `start` is gone without having said so, the runner drains, as at a
 * SIGTERM. So it needs to know nothing of who started it.
 */
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// Listening keeps a process alive that has nothing else to do.
process.channel?.unref();
