// The server of the differential. It says its port, serves until its standard input ends, and gives what it saw of a case at /seen?case=NAME.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { frame, goodbye, watch } from './frames.mjs';

const seen = new Map();

// What it does to a client by order of the query "do"; otherwise it sends each message back.
const orders = {
  close: (ws, q) => ws._socket.write(frame(8, q.has('code') ? goodbye(Number(q.get('code')), q.get('reason') ?? '') : '')),
  raw: (ws, q) => ws._socket.write(Buffer.from(q.get('bytes'), 'hex')),
  leave: (ws) => ws._socket.destroy(),
  fin: (ws) => ws._socket.end(),
  ping: (ws, q) => { for (let i = 0; i < 10; i++) ws.ping(q.get('text') + i); ws.send('pinged'); },
  fragments: (ws) => {
    ws._socket.write(frame(1, 'a', { fin: false }));
    ws._socket.write(frame(9, 'between'));
    ws._socket.write(frame(0, '', { fin: false }));
    ws._socket.write(frame(0, 'b'));
  },
  large: (ws) => ws.send(Buffer.alloc(3 << 20, 'l')),
  many: (ws) => { for (let i = 0; i < 2000; i++) ws.send(String(i)); },
  aftergoodbye: (ws) => ws._socket.write(Buffer.concat([frame(8, goodbye(4000, 'over')), frame(1, 'late')])),
};

const server = createServer((request, response) => {
  const s = seen.get(new URL(request.url, 'http://x').searchParams.get('case'));
  const answer = () => response.end(JSON.stringify(s.events));
  s ? s.until(() => false).then(answer) : response.writeHead(404).end(); // what it saw is complete when the connection has ended
});
const deflate = { threshold: 0, clientNoContextTakeover: false };
const servers = { plain: new WebSocketServer({ noServer: true, maxPayload: 8 << 20 }),
  deflate: new WebSocketServer({ noServer: true, maxPayload: 8 << 20, perMessageDeflate: deflate }),
  fresh: new WebSocketServer({ noServer: true, maxPayload: 8 << 20, perMessageDeflate: { ...deflate, serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 10, clientMaxWindowBits: 10 } }) };
server.on('upgrade', (request, socket, head) => {
  const q = new URL(request.url, 'http://x').searchParams;
  servers[q.get('server') ?? 'plain'].handleUpgrade(request, socket, head, (ws) => {
    seen.set(q.get('case'), watch(ws));
    const order = orders[q.get('do')];
    if (!order) {
      ws.on('message', (data, binary) => ws.send(data, { binary }));
      return;
    }
    order(ws, q);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit()).resume();
