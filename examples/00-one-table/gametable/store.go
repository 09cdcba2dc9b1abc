package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const bucket = "tables"

// errFenced refuses a pod that a later pod of the same table has followed.
var errFenced = errors.New("a later pod has taken this table over")

// record is a table in the store.
type record struct {
	Fence int64             `json:"fence"` // of the pod that wrote it
	Epoch int64             `json:"epoch"` // of the pod that wrote it
	Moves []json.RawMessage `json:"moves"`
}

// store keeps one record per key, and lets none but the latest pod of a key write it.
type store struct{ kv jetstream.KeyValue }

// openStore finds the bucket, or makes it.
func openStore(ctx context.Context, conn *nats.Conn) (store, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return store{}, fmt.Errorf("open JetStream: %w", err)
	}
	kv, err := js.KeyValue(ctx, bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: bucket, Storage: jetstream.FileStorage})
	}
	if err != nil {
		return store{}, fmt.Errorf("open the bucket %s: %w", bucket, err)
	}
	return store{kv}, nil
}

// replace writes what change makes of the record of a key, for the pod with that fence, and returns the record that was
// there before. It writes only over what it has read, so that nobody's write is lost, and errFenced is certain.
func (s store) replace(ctx context.Context, key string, fence int64, change func(old record) record) (record, error) {
	for {
		old, revision, err := s.read(ctx, key)
		if err != nil {
			return old, err
		}
		if old.Fence > fence {
			return old, errFenced
		}
		value, err := json.Marshal(change(old))
		if err != nil {
			return old, fmt.Errorf("encode table %s: %w", key, err)
		}
		_, err = s.kv.Update(ctx, key, value, revision)
		if errors.Is(err, jetstream.ErrKeyExists) {
			continue // somebody wrote in between
		}
		if err != nil {
			return old, fmt.Errorf("write table %s: %w", key, err)
		}
		return old, nil
	}
}

// read returns the record of a key and its revision: an empty one and 0 if there is none.
func (s store) read(ctx context.Context, key string) (record, uint64, error) {
	entry, err := s.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return record{}, 0, nil
	}
	if err != nil {
		return record{}, 0, fmt.Errorf("read table %s: %w", key, err)
	}
	var r record
	if err := json.Unmarshal(entry.Value(), &r); err != nil {
		return record{}, 0, fmt.Errorf("decode table %s: %w", key, err)
	}
	return r, entry.Revision(), nil
}
