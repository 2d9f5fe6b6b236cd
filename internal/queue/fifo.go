package queue

import "database/sql"

// refresh brings a group's row up to date after one of its messages changed: the
// group may be handed out when nothing of it is held and its first message is due.
func (t *tx) refresh(q *queue, lane int64, group string) error {
	var head, due, held sql.NullInt64
	if err := t.s.groupOf.QueryRowContext(t.ctx, lane, group).Scan(&head, &due, &held); err != nil {
		return err
	}
	if !head.Valid {
		_, err := t.s.dropGroup.ExecContext(t.ctx, lane, group)
		return err
	}
	at := max(due.Int64, held.Int64)
	if _, err := t.s.putGroup.ExecContext(t.ctx, lane, group, at, head.Int64); err != nil {
		return err
	}
	// What the receivers wait for is the group, not the message that changed.
	t.effects = append(t.effects, effect{queue: q, to: place{due: at}, group: true})
	return nil
}

// dueInGroups finds up to limit messages that may be handed out: from each free
// group its first ones, in their order.
func (t *tx) dueInGroups(lane, now int64, limit int) ([]row, error) {
	rows, err := t.s.groups.QueryContext(t.ctx, lane, now, limit)
	if err != nil {
		return nil, err
	}
	var groups []string
	for rows.Next() {
		var g string
		if err := rows.Scan(&g); err != nil {
			rows.Close()
			return nil, err
		}
		groups = append(groups, g)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	var out []row
	for _, g := range groups {
		if len(out) >= limit {
			break
		}
		found, err := scanRows(t.s.inGroup.QueryContext(t.ctx, lane, g, limit-len(out)))
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			if r.due > now {
				break // what follows must wait for it
			}
			out = append(out, r)
		}
	}
	return out, nil
}
