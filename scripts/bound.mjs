// Loaded by the launcher into the program it starts: when the launcher is killed, which no program can catch or hand
// on, the program stops as at Ctrl-C instead of running on unseen in a session of its own.
const launcher = Number(process.env.SYNCLINE_LAUNCHER)
delete process.env.SYNCLINE_LAUNCHER // the program's own children answer to the program

if (launcher > 0) {
  setInterval(() => {
    if (process.ppid !== launcher) process.kill(process.pid, 'SIGTERM')
  }, 500).unref()
}
