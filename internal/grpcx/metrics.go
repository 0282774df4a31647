package grpcx

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
)

// metrics counts calls; a nil *metrics counts nothing.
type metrics struct {
	seconds *prometheus.HistogramVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	if r == nil {
		return nil
	}
	m := &metrics{seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "netraven_grpc_request_seconds", Help: "Time of gRPC calls by method and code.",
		Buckets: []float64{.001, .005, .025, .1, .5, 2.5, 10, 60},
	}, []string{"method", "code"})}
	var already prometheus.AlreadyRegisteredError
	if err := r.Register(m.seconds); errors.As(err, &already) { // a process has several servers and one set of counters
		m.seconds = already.ExistingCollector.(*prometheus.HistogramVec)
	}
	return m
}

func (m *metrics) observe(method string, code codes.Code, d time.Duration) {
	if m != nil {
		m.seconds.WithLabelValues(method, code.String()).Observe(d.Seconds())
	}
}
