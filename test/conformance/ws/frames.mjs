// What both ends of the differential need: frames as they come by hand, and what an end has seen.
import { createHash } from 'node:crypto';

// frame is a frame, right or wrong. A client masks, a server does not.
export function frame(opcode, payload = Buffer.alloc(0), { fin = true, rsv = 0, mask = false, length = undefined } = {}) {
  payload = Buffer.from(payload);
  const n = payload.length;
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  if (length) head.push((mask ? 0x80 : 0) | length[0], ...length.slice(1));
  else if (n < 126) head.push((mask ? 0x80 : 0) | n);
  else if (n < 65536) head.push((mask ? 0x80 : 0) | 126, n >> 8, n & 255);
  else head.push((mask ? 0x80 : 0) | 127, 0, 0, 0, 0, n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255);
  if (!mask) return Buffer.concat([Buffer.from(head), payload]);
  const key = [1, 2, 3, 4];
  const masked = Buffer.from(payload);
  for (let i = 0; i < masked.length; i++) masked[i] ^= key[i % 4];
  return Buffer.concat([Buffer.from([...head, ...key]), masked]);
}

// goodbye is the payload of a close frame.
export function goodbye(code, reason = '') {
  return Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);
}

function brief(data) {
  const b = Buffer.from(data);
  return b.length <= 40 ? b.toString('latin1') : b.length + ' bytes ' + createHash('sha256').update(b).digest('hex').slice(0, 16);
}

// watch notes all that an end sees of a connection, in order. What the network itself says (a reset, a broken pipe) is no matter of the protocol.
export function watch(ws) {
  const seen = { events: [], messages: 0, pongs: 0, closed: undefined };
  const waiting = [];
  const note = (...event) => {
    seen.events.push(event);
    for (const w of waiting) w();
  };
  seen.until = (ready) => new Promise((resolve) => {
    const look = () => (ready(seen) || seen.closed) && resolve();
    waiting.push(look);
    look();
  });
  ws.on('message', (data, binary) => { seen.messages++; note('message', binary ? 'binary' : 'text', brief(data)); });
  ws.on('ping', (data) => note('ping', brief(data)));
  ws.on('pong', (data) => { seen.pongs++; note('pong', brief(data)); });
  ws.on('error', (err) => { if (err.code?.startsWith('WS_ERR_')) note('error', err.code); });
  ws.on('close', (code, reason) => { seen.closed = true; note('close', code, brief(reason)); });
  return seen;
}
