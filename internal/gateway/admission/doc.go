// Package admission is who calls, and what that one may: it finds the credential in a request and takes it out, asks the cluster where the answer
// depends on the session, and has the decision made by access.Decide. How many may wait is not its to say.
package admission
