package sessionapi

import (
	_ "embed" // the document
	"net/http"
)

//go:embed openapi.json
var openAPI []byte

// document answers what the API is, as OpenAPI 3.1.
func (a *API) document(w http.ResponseWriter, _ *http.Request, _ call) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI)
	return nil
}
