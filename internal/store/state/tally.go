package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"vedette/internal/entity"
	"vedette/internal/incident"
)

// Share is how many surfaced incidents of a day have a verdict.
type Share struct {
	Day     int64            // Unix day on which they were opened
	Verdict incident.Verdict // of a person; empty if there is none
	Count   int
}

// Shares counts the incidents that are surfaced now and were opened from a moment on, by day
// and verdict. Those that became part of others do not count.
func (t *Tenant) Shares(ctx context.Context, from time.Time) (all []Share, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		all = nil
		rows, err := tx.QueryContext(ctx, `SELECT opened / 86400000000000, verdict, count(*) FROM incident_rows INDEXED BY incident_rows_count
			WHERE tenant = ? AND state IN ('open', 'closed') AND surfaced = 1 AND retired = 0 AND opened >= ? GROUP BY 1, 2`, t.name, from.UnixNano())
		return each(rows, err, func(r *sql.Rows) error {
			var s Share
			err := r.Scan(&s.Day, &s.Verdict, &s.Count)
			all = append(all, s)
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("counting incidents by day: %w", err)
	}
	return all, nil
}

// OpenedSince returns how many incidents the machine has opened since a moment of the clock,
// and how many of these are surfaced now. Those that became part of others do not count.
func (t *Tenant) OpenedSince(ctx context.Context, from time.Time) (all, surfaced int, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(r.surfaced), 0) FROM history h INDEXED BY history_time
			CROSS JOIN incident_rows r INDEXED BY incident_rows_id ON r.tenant = h.tenant AND r.id = h.incident AND r.until = ?
			WHERE h.tenant = ? AND h.time >= ? AND h.kind = ? AND r.state <> ?`,
			int64(last), t.name, from.UnixNano(), string(Opened), string(IsMerged)).Scan(&all, &surfaced)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("counting what was opened: %w", err)
	}
	return all, surfaced, nil
}

// Assigned returns how many surfaced and open incidents somebody has taken on.
func (t *Tenant) Assigned(ctx context.Context, person string) (n int, err error) {
	err = t.reading(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT count(*) FROM incident_rows INDEXED BY incident_rows_count
			WHERE tenant = ? AND state = ? AND surfaced = 1 AND assignee = ? AND retired = 0`, t.name, string(IsOpen), person).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("counting what is assigned: %w", err)
	}
	return n, nil
}

// OpenOf returns in how many surfaced and open incidents each of some entities takes part;
// those in none are left out.
func (t *Tenant) OpenOf(ctx context.Context, all []entity.Key) (map[entity.Key]int, error) {
	keys := make([]int64, len(all))
	for i, k := range all {
		keys[i] = int64(k)
	}
	list, err := json.Marshal(keys)
	if err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	found := map[entity.Key]int{}
	err = t.reading(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT e.entity, count(*) FROM json_each(?) k
			CROSS JOIN incident_entities e ON e.tenant = ? AND e.entity = k.value AND e.until = ?
			CROSS JOIN incident_rows r INDEXED BY incident_rows_id ON r.tenant = e.tenant AND r.id = e.incident AND r.until = ?
			WHERE r.surfaced = 1 AND r.state = ? GROUP BY 1`, string(list), t.name, int64(last), int64(last), string(IsOpen))
		return each(rows, err, func(r *sql.Rows) error {
			var k int64
			var n int
			err := r.Scan(&k, &n)
			found[entity.Key(k)] = n
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("counting the incidents of entities: %w", err)
	}
	return found, nil
}
