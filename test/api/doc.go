// Package api tells the stories of the API itself: what the schema, its rules and its columns do on a real API server.
// All of it is in the tests.
package api
