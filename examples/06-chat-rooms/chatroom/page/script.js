// A page of one room. Nothing in it knows that the room may sleep: the connection stays open meanwhile.
"use strict";

const $ = id => document.getElementById(id);
let socket, wait = 500;

// beside is the address of what this room serves beside its page, whether its name is in the path or in the query.
const beside = name => new URL(name + location.search, location.href);

function connect() {
  const url = beside("ws");
  url.protocol = url.protocol.replace("http", "ws");
  socket = new WebSocket(url);
  socket.onopen = () => { wait = 500; $("said").replaceChildren(); $("state").textContent = "Connected"; };
  socket.onmessage = event => show(JSON.parse(event.data));
  socket.onclose = () => {
    $("state").textContent = "Connecting again";
    setTimeout(connect, wait);
    wait = Math.min(wait * 2, 30000);
  };
}

function show({from, text, epoch}) {
  const line = document.createElement("li");
  for (const [tag, content] of [["b", from], ["span", text], ["small", "process " + epoch]]) {
    line.appendChild(document.createElement(tag)).textContent = content; // text, whatever it is
  }
  $("said").appendChild(line);
  line.scrollIntoView();
}

$("say").onsubmit = event => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({from: $("from").value, text: $("text").value}));
  $("text").value = "";
};

fetch(beside("messages")).then(answer => answer.json()).then(({room}) => {
  $("room").textContent = document.title = room;
});
connect();
