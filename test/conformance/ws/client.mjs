// The client of the differential: plays the cases against a URL, and prints for each a line of JSON with what both ends saw.
// Usage: node client.mjs ws://WHERE/ http://SERVER/ [CASES: as JSON, what of them is left out: {"compression": true, "names": []}]
import { WebSocket } from 'ws';
import { cases } from './cases.mjs';
import { watch } from './frames.mjs';

const [url, server, out = '{}'] = process.argv.slice(2);
const without = JSON.parse(out);

async function play([name, order, steps, options]) {
  const query = without.compression ? order.replace(/^server=.*/, '') : order;
  const at = `case=${encodeURIComponent(name)}`;
  const ws = new WebSocket(`${url}?${at}&${query}`, { perMessageDeflate: false, maxPayload: 8 << 20, ...options });
  const seen = watch(ws);
  await new Promise((resolve) => { ws.once('open', resolve); ws.once('close', resolve); });
  const extensions = ws.extensions;
  const patience = setTimeout(() => { seen.events.push(['does not end']); ws.terminate(); }, 20_000);
  for (const step of steps) await step(ws, seen);
  await seen.until(() => false);
  clearTimeout(patience);
  const there = await (await fetch(`${server}seen?${at}`)).json();
  return { case: name, extensions, client: seen.events, server: there };
}

const waiting = cases.filter(([name]) => !without.names?.includes(name));
await Promise.all(Array.from({ length: 8 }, async () => {
  for (let c = waiting.shift(); c; c = waiting.shift()) console.log(JSON.stringify(await play(c)));
}));
