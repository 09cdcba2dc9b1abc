// Package turns says when a controller takes a turn again that failed.
package turns

import (
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// firstPause and lastPause bound the time until a turn that failed is taken again, if nothing happens before. It doubles, so
// that one who waits for it waits as long again as the API server was away, but no longer than lastPause: controller-runtime's own
// grows to a quarter of an hour.
const firstPause, lastPause = 5 * time.Millisecond, 5 * time.Second

// Pauses are between turns that fail.
func Pauses() workqueue.TypedRateLimiter[reconcile.Request] {
	return workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstPause, lastPause)
}
