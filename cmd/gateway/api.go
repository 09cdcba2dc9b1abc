package main

import (
	"errors"
	"net/http"

	"github.com/dormouse-dev/dormouse/internal/cluster"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/sessionapi"
)

// apiMode is what the Session API does for callers whom nobody knows.
type apiMode string

const (
	apiOff  apiMode = "off"
	apiOn   apiMode = "on"
	apiOpen apiMode = "open"
)

// String is for flag.
func (m *apiMode) String() string { return string(*m) }

// Set is for flag.
func (m *apiMode) Set(text string) error {
	switch mode := apiMode(text); mode {
	case apiOff, apiOn, apiOpen:
		*m = mode
		return nil
	}
	return errors.New("must be off, on or open")
}

// handler is the Session API; nil: there is none.
func (m apiMode) handler(hands *cluster.Gateway, road *gateway.Gateway, ending <-chan struct{}) http.Handler {
	if m == apiOff {
		return nil
	}
	return &sessionapi.API{
		Sessions:  hands.Sessions(),
		Authorize: sessionapi.ByTemplate(road.Authorize, m == apiOpen),
		AllowWake: road.AllowWake,
		Foreign:   road.Foreign,
		Pods:      hands.Pods(),
		Open:      m == apiOpen,
		Ending:    ending,
	}
}
