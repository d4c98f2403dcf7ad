package sqlstore

import (
	"context"
	"database/sql"
)

// runner is what both *sql.Tx and *sql.Stmt can do, with the statement's text bound.
type runner struct {
	exec func(ctx context.Context, args ...any) (sql.Result, error)
	row  func(ctx context.Context, args ...any) *sql.Row
	rows func(ctx context.Context, args ...any) (*sql.Rows, error)
}

// run returns a statement of the transaction, prepared once where the driver does not do that by itself.
func (w *work) run(ctx context.Context, query string) (runner, error) {
	if w.trace != nil {
		w.trace(query)
	}
	if w.d.Unprepared {
		q := w.d.query(query)
		return runner{
			func(ctx context.Context, args ...any) (sql.Result, error) { return w.tx.ExecContext(ctx, q, args...) },
			func(ctx context.Context, args ...any) *sql.Row { return w.tx.QueryRowContext(ctx, q, args...) },
			func(ctx context.Context, args ...any) (*sql.Rows, error) { return w.tx.QueryContext(ctx, q, args...) },
		}, nil
	}
	st := w.stmts[query]
	if st == nil {
		var err error
		if st, err = w.tx.PrepareContext(ctx, w.d.query(query)); err != nil {
			return runner{}, err
		}
		w.stmts[query] = st // closed with the transaction
	}
	return runner{st.ExecContext, st.QueryRowContext, st.QueryContext}, nil
}

// exec runs an INSERT or UPDATE and says whether it changed a row.
func (w *work) exec(ctx context.Context, query string, args ...any) (bool, error) {
	st, err := w.run(ctx, query)
	if err != nil {
		return false, err
	}
	res, err := st.exec(ctx, args...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// scanner is a row, or the error that kept it from being read.
type scanner interface{ Scan(dest ...any) error }

type failed struct{ error }

// Scan returns the error.
func (f failed) Scan(...any) error { return f.error }

func (w *work) row(ctx context.Context, query string, args ...any) scanner {
	st, err := w.run(ctx, query)
	if err != nil {
		return failed{err}
	}
	return st.row(ctx, args...)
}

func (w *work) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	st, err := w.run(ctx, query)
	if err != nil {
		return nil, err
	}
	return st.rows(ctx, args...)
}
