package main

import "net"

// listenRaw opens the listener for raw TCP. Without an address there is none.
func listenRaw(address string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	return net.Listen("tcp", address)
}
