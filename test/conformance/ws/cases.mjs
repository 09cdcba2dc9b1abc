// The cases of the differential: what a client does once it is connected. [name, query, steps, options of the client]
import { deflateRawSync } from 'node:zlib';
import { frame, goodbye } from './frames.mjs';

const client = { mask: true };
const write = (...frames) => async (ws) => { ws._socket.write(Buffer.concat(frames)); };
const send = (data, binary) => async (ws) => { ws.send(data, { binary }); };
const messages = (n) => (ws, seen) => seen.until((s) => s.messages >= n);
const pongs = (n) => (ws, seen) => seen.until((s) => s.pongs >= n);
const close = (code = 1000, reason = '') => async (ws) => { ws.close(code, reason); };
const closed = () => (ws, seen) => seen.until(() => false);
const each = (list, make) => list.map(make);

const sizes = [0, 1, 125, 126, 127, 65535, 65536, 1 << 20, 3 << 20];
const parts = (opcode, all) => all.map((p, i) => frame(i ? 0 : opcode, p, { ...client, fin: i === all.length - 1 }));
const euro = Buffer.from('€uro');

const whole = [
  ...each(sizes, (n) => ['text of ' + n, '', [send('x'.repeat(n)), messages(1), close()]]),
  ...each(sizes, (n) => ['binary of ' + n, '', [send(Buffer.alloc(n, 7), true), messages(1), close()]]),
  ['2000 small', '', [async (ws) => { for (let i = 0; i < 2000; i++) ws.send(String(i)); }, messages(2000), close()]],
  ['2000 small from the server', 'do=many', [messages(2000), close()]],
  ['3 MiB from the server', 'do=large', [messages(1), close()]],
];

const fragments = [
  ['three fragments', '', [write(...parts(1, ['a', 'b', 'c'])), messages(1), close()]],
  ['fragments of one byte', '', [write(...parts(2, Array(100).fill('x'))), messages(1), close()]],
  ['empty fragments', '', [write(...parts(1, ['', '', 'x', ''])), messages(1), close()]],
  ['3 MiB in fragments', '', [write(...parts(2, Array(48).fill(Buffer.alloc(65536, 3)))), messages(1), close()]],
  ['a ping between fragments', '', [write(frame(1, 'a', { ...client, fin: false }), frame(9, 'now', client), frame(0, 'b', client)), messages(1), pongs(1), close()]],
  ['a pong between fragments', '', [write(frame(1, 'a', { ...client, fin: false }), frame(10, 'unasked', client), frame(0, 'b', client)), messages(1), close()]],
  ['a goodbye between fragments', '', [write(frame(1, 'a', { ...client, fin: false }), frame(8, goodbye(1000, 'enough'), client)), closed()]],
  ['a character in two fragments', '', [write(...parts(1, [euro.subarray(0, 1), euro.subarray(1)])), messages(1), close()]],
  ['fragments from the server', 'do=fragments', [messages(1), close()]],
  ['no message to continue', '', [write(frame(0, 'x', client)), closed()]],
  ['a message within a message', '', [write(frame(1, 'a', { ...client, fin: false }), frame(1, 'b', client)), closed()]],
  ['a ping in fragments', '', [write(frame(9, 'a', { ...client, fin: false })), closed()]],
  ['bytes one at a time', '', [async (ws) => { for (const b of frame(1, 'slowly', client)) ws._socket.write(Buffer.from([b])); }, messages(1), close()]],
];

const controls = [
  ['empty ping', '', [write(frame(9, '', client)), pongs(1), close()]],
  ['ping of 125', '', [write(frame(9, 'p'.repeat(125), client)), pongs(1), close()]],
  ['ping of 126', '', [write(frame(9, 'p'.repeat(126), client)), closed()]],
  ['ten pings', '', [async (ws) => { for (let i = 0; i < 10; i++) ws.ping('p' + i); }, pongs(10), close()]],
  ['ten pings from the server', 'do=ping&text=s', [messages(1), send('done'), close()]],
  ['unasked pong', '', [write(frame(10, 'unasked', client), frame(1, 'x', client)), close()]],
];

const valid = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
const invalid = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535];
const closes = [
  ...each([...valid, ...invalid], (c) => ['goodbye ' + c, '', [write(frame(8, goodbye(c, 'because'), client)), closed()]]),
  ...each([...valid, ...invalid], (c) => [`goodbye ${c} from the server`, `do=close&code=${c}&reason=because`, [closed()]]),
  ['goodbye without a code', '', [write(frame(8, '', client)), closed()]],
  ['goodbye without a code from the server', 'do=close', [closed()]],
  ['goodbye of one byte', '', [write(frame(8, 'x', client)), closed()]],
  ['goodbye with a long reason', '', [write(frame(8, goodbye(1000, 'r'.repeat(123)), client)), closed()]],
  ['goodbye with too long a reason', '', [write(frame(8, goodbye(1000, 'r'.repeat(124)), client)), closed()]],
  ['goodbye with a reason that is no UTF-8', '', [write(frame(8, Buffer.concat([goodbye(1000), Buffer.from([0xc3, 0x28])]), client)), closed()]],
  ['message before the goodbye', '', [write(frame(1, 'last words', client), frame(8, goodbye(1000), client)), closed()]],
  ['message after the goodbye', '', [write(frame(8, goodbye(1000), client), frame(1, 'late', client)), closed()]],
  ['message after the goodbye of the server', 'do=aftergoodbye', [closed()]],
];

const spoilt = [
  ...each([3, 4, 5, 6, 7, 11, 12, 13, 14, 15], (o) => ['reserved opcode ' + o, '', [write(frame(o, 'x', client)), closed()]]),
  ...each([1, 2, 4], (rsv) => ['reserved bit ' + rsv, '', [write(frame(1, 'x', { ...client, rsv })), closed()]]),
  ['no mask', '', [write(frame(1, 'x')), closed()]],
  ['a mask from the server', 'do=raw&bytes=' + frame(1, 'x', client).toString('hex'), [closed()]],
  ['a reserved opcode from the server', 'do=raw&bytes=' + frame(3, 'x').toString('hex'), [closed()]],
  ['no UTF-8 from the server', 'do=raw&bytes=' + frame(1, Buffer.from([0xff])).toString('hex'), [closed()]],
  ['length of 2^63', '', [write(frame(2, '', { ...client, length: [127, 0x80, 0, 0, 0, 0, 0, 0, 0] })), closed()]],
  ['too large', '', [write(frame(2, '', { ...client, length: [127, 0, 0, 0, 0, 1, 0, 0, 0] })), closed()]],
  ['a length that takes more bytes than it needs', '', [write(frame(2, 'x', { ...client, length: [126, 0, 1] })), messages(1), close()]],
];

const wrong = { 'a lone continuation': [0x80], 'two bytes, one of them': [0xc3, 0x28], overlong: [0xc0, 0xaf], surrogate: [0xed, 0xa0, 0x80], 'five bytes': [0xf8, 0x88, 0x80, 0x80, 0x80], 'beyond Unicode': [0xf4, 0x90, 0x80, 0x80], cut: [0xe2, 0x82] };
const utf8 = [
  ...each(Object.entries(wrong), ([name, b]) => ['UTF-8: ' + name, '', [write(frame(1, b, client)), closed()]]),
  ...each(Object.entries(wrong), ([name, b]) => [`UTF-8 in a fragment: ${name}`, '', [write(...parts(1, ['ok', b])), closed()]]),
  ['UTF-8: all that is right', '', [send('aé€𐍈\u0000\uffff'), messages(1), close()]],
];

const zip = { perMessageDeflate: { threshold: 0 } };
const zipped = (text) => deflateRawSync(text, { finishFlush: 2 }).subarray(0, -4);
const compressed = each(['deflate', 'fresh'], (s) => [
  ...each([0, 1, 126, 65536, 3 << 20], (n) => [`${s}: text of ${n}`, 'server=' + s, [send('z'.repeat(n)), messages(1), send('z'.repeat(n)), messages(2), close()], zip]),
  [s + ': 500 small', 'server=' + s, [async (ws) => { for (let i = 0; i < 500; i++) ws.send('again and again ' + i); }, messages(500), close()], zip],
  [s + ': fragments', 'server=' + s, [async (ws) => { ws.send('a', { fin: false }); ws.send('b', { fin: false }); ws.send('c', { fin: true }); }, messages(1), close()], zip],
  [s + ': not compressed', 'server=' + s, [write(frame(1, 'plain', client)), messages(1), close()], zip],
  [s + ': by hand', 'server=' + s, [write(frame(1, zipped('by hand'), { ...client, rsv: 4 })), messages(1), close()], zip],
  [s + ': garbage', 'server=' + s, [write(frame(1, 'garbage', { ...client, rsv: 4 })), closed()], zip],
  [s + ': a compressed continuation', 'server=' + s, [write(frame(1, 'a', { ...client, fin: false }), frame(0, 'b', { ...client, rsv: 4 })), closed()], zip],
  [s + ': a compressed ping', 'server=' + s, [write(frame(9, 'a', { ...client, rsv: 4 })), closed()], zip],
  [s + ': too large when it is whole', 'server=' + s, [write(frame(2, zipped(Buffer.alloc(16 << 20)), { ...client, rsv: 4 })), closed()], zip],
  [s + ': no UTF-8', 'server=' + s, [write(frame(1, zipped(Buffer.from([0xff, 0xfe])), { ...client, rsv: 4 })), closed()], zip],
  [s + ': a client without', 'server=' + s, [send('plain'), messages(1), close()]],
]).flat();

const halves = [
  ['the client ends its half', '', [send('last words'), messages(1), async (ws) => { ws._socket.end(); }, closed()]],
  ['the client ends its half after its goodbye', '', [async (ws) => { ws._socket.end(frame(8, goodbye(1000), client)); }, closed()]],
  ['the client breaks off', '', [send('x'), messages(1), async (ws) => { ws._socket.destroy(); }, closed()]],
  ['the client breaks off in a message', '', [write(frame(1, 'a', { ...client, fin: false })), async (ws) => { ws._socket.end(); }, closed()]],
  ['the server ends its half', 'do=fin', [closed()]],
  ['the server breaks off', 'do=leave', [closed()]],
];

export const cases = [...whole, ...fragments, ...controls, ...closes, ...spoilt, ...utf8, ...compressed, ...halves];
