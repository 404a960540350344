/**
 * Python that detaches a process by the book: fork, new session, fork; it ignores every signal that can be ignored and closes all
 * descriptors. It goes on sleeping under the name of the program, or as `name`. The program knows its number as `daemon`, and does `then`.
 */
export function daemonProgram({ name, then }: { name?: string; then: string }): string {
  return `
import os, signal, sys, time
r, w = os.pipe()
if os.fork() == 0:
  os.setsid()
  if os.fork() == 0:
    for number in range(1, 32):
      try: signal.signal(number, signal.SIG_IGN)
      except OSError: pass
    os.write(w, str(os.getpid()).encode())
    for fd in range(64):
      try: os.close(fd)
      except OSError: pass
    ${name === undefined ? "time.sleep(300)" : `os.execv("/bin/sleep", ["${name}", "300"])`}
  os._exit(0)
os.wait()
daemon = int(os.read(r, 20))
${then}`;
}
