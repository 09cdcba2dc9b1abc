// Command cloud is a fake of a cloud's API: machines and DNS records, kept in memory. A real one wants an account and money, and does not fail
// when a story asks it to. This one fails in the way that the first word of a server's name chooses: see whims.
//
// Who makes something names it by a token of its own. The same token is the same thing, however often it is asked for; and one whose thing was destroyed, or
// was to be before it was made, is used up.
//
//	PUT    /machines/TOKEN                {"server": "web-1", "size": "large"}   answers when the machine runs
//	GET    /machines/TOKEN
//	PUT    /machines/TOKEN/configuration  {"packages": 12}
//	DELETE /machines/TOKEN                                                       answers when it is gone
//	PUT    /records/TOKEN                 {"server": "web-1"}
//	GET    /records/TOKEN                 says whether all name servers know it by now
//	DELETE /records/TOKEN
//	GET    /machines?server=web-1, GET /records?server=web-1                     all that there ever were
package main

import (
	"log"
	"net/http"
	"time"
)

func main() {
	log.SetFlags(0)
	server := &http.Server{Addr: ":8080", Handler: newCloud().handler(), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
