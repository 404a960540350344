// `count` clients of /api/events in a process of their own, as browsers would be: they take what comes and count it.
// Says "ready" when all have their snapshot, and the counts when told to stop.
const [url = "", token = "", count = "20"] = process.argv.slice(2);
const counts = { events: 0, resets: 0 };
let ready = 0;

const sockets = Array.from({ length: Number(count) }, () => {
  const socket = new WebSocket(`${url.replace("http", "ws")}/api/events`);
  socket.onopen = () => socket.send(JSON.stringify({ type: "auth", token }));
  socket.onmessage = ({ data }) => {
    const text = String(data);
    if (text.startsWith('{"type":"event"')) counts.events += 1;
    else if (text.startsWith('{"type":"reset"')) counts.resets += 1;
    else if (text.startsWith('{"type":"snapshot"') && ++ready === Number(count)) process.send?.("ready");
  };
  return socket;
});

process.on("message", () => {
  for (const socket of sockets) socket.close();
  process.send?.(counts, () => process.exit(0));
});

export {};
