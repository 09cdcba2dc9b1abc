// Package front is where clients come in: who stands behind a connection, also if a proxy is between, and how many of them one address may have.
package front
