package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// How soon another replica leads after one was killed: a wake waits for so long then, and for the caches to fill. client-go's own
// times are twice as long. A leader that cannot renew in time ends itself, which costs nothing but a restart: the protocol does
// not rest on there being one.
const (
	leaseName     = "dormouse-operator"
	leaseDuration = 8 * time.Second
	renewDeadline = 5 * time.Second
	retryPeriod   = time.Second
)

// errLeadLost ends a process that could not renew its lease: another may lead by now.
var errLeadLost = errors.New("the lease was not renewed in time")

// lead does the work while the replica of that name leads, and gives the lease back when the work has ended. The manager's own election
// is not used, because it fills the caches of a replica that only stands by: each change of a session would be sent to it, for nothing.
func lead(ctx context.Context, config *rest.Config, namespace, name string, work func(context.Context) error) error {
	lock, err := lease(config, namespace, name)
	if err != nil {
		return err
	}
	campaign, resign := context.WithCancel(context.WithoutCancel(ctx))
	defer resign()
	standby := context.AfterFunc(ctx, resign)
	ended := make(chan error, 1)
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: lock, Name: leaseName, ReleaseOnCancel: true,
		LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(leading context.Context) {
				defer resign()
				if !standby() {
					return // asked to stop in the moment of its election
				}
				leading, stop := context.WithCancel(leading)
				defer context.AfterFunc(ctx, stop)()
				ended <- work(leading)
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return fmt.Errorf("set up leader election: %w", err)
	}
	elector.Run(campaign)
	select {
	case err := <-ended:
		return err
	default:
	}
	if ctx.Err() != nil {
		return nil // stood by to the end
	}
	return errLeadLost
}

// lease is the object that replicas compete for. Two of one name would both lead, so the host's name is only taken for want of
// the pod's: replicas in the host's network have the same.
func lease(config *rest.Config, namespace, name string) (resourcelock.Interface, error) {
	if name == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("find this replica's name: %w", err)
		}
		name = host
	}
	return resourcelock.NewFromKubeconfig(resourcelock.LeasesResourceLock, namespace, leaseName,
		resourcelock.ResourceLockConfig{Identity: name}, config, renewDeadline)
}
