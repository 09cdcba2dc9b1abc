package main

// podConf is the pod of all gateways: nginx too, because it needs the least of the processor that it shares with the load.
const podConf = `
daemon off;
master_process off;
pid %[1]s/pid;
error_log stderr crit;
events { worker_connections 16384; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  sendfile on;
  open_file_cache max=10;
  server {
    listen %[2]s;
    listen %[3]s http2;
    root %[1]s;
    location = / { return 200 "a good move\n"; }
  }
}
`

// nginxConf is nginx as a gateway. Connections are kept on both sides, nothing is logged unless %[4]s is a file, no body goes to disk, and
// large ones go through buffers of 32 KiB, as Go copies them; all else is its own choice.
const nginxConf = `
daemon off;
master_process off;
pid %[1]s/pid;
error_log stderr crit;
events { worker_connections 16384; }
http {
  access_log %[4]s;
  keepalive_requests 1000000000;
  client_body_temp_path %[1]s/body;
  proxy_temp_path %[1]s/proxy;
  fastcgi_temp_path %[1]s/fastcgi;
  uwsgi_temp_path %[1]s/uwsgi;
  scgi_temp_path %[1]s/scgi;
  client_max_body_size 0;
  proxy_request_buffering off;
  proxy_max_temp_file_size 0;
  proxy_http_version 1.1;
  proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
  upstream pod { server %[5]s; keepalive 256; keepalive_requests 1000000000; }
  upstream sockets { server %[6]s; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen %[2]s;
    listen %[3]s http2;
    server_name a.bench.test;
    location / {
      proxy_set_header Connection "";
      proxy_pass http://pod;
    }
    location = /large {
      proxy_buffer_size 32k;
      proxy_buffers 8 32k;
      proxy_set_header Connection "";
      proxy_pass http://pod;
    }
  }
  server {
    listen %[2]s;
    listen %[3]s http2;
    server_name sockets.bench.test;
    client_body_buffer_size 32k;
    location / {
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_pass http://sockets;
    }
  }
}
`

// haproxyConf is haproxy as a gateway, likewise.
const haproxyConf = `
global
  nbthread 1
  maxconn 9000
  tune.bufsize 32768
defaults
  mode http
  timeout connect 5s
  timeout client 75s
  timeout server 75s
  timeout tunnel 1h
  timeout http-request 10s
  option forwardfor
  http-reuse always
frontend clients
  bind %[2]s
  bind %[3]s proto h2
  use_backend sockets if { hdr_beg(host) sockets. }
  default_backend pod
backend pod
  server pod %[5]s
backend sockets
  server sockets %[6]s
`
