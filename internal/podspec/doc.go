// Package podspec is the wish: the pod that a session of a template should have. It is pure: the same template, session
// and epoch give the same pod, and nothing that is handed in is changed or shared.
package podspec
