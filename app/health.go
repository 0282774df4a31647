package app

import (
	"encoding/json"
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// health answers whether the process lives and whether it is ready for work.
type health struct {
	started atomic.Bool
	// agentReady is set where the local agent runs.
	agentReady func() bool
}

// ready names what is still missing; nothing missing means ready.
func (h *health) missing() []string {
	missing := []string{}
	if !h.started.Load() {
		missing = append(missing, "services")
	}
	if h.agentReady != nil && !h.agentReady() {
		missing = append(missing, "local agent")
	}
	return missing
}

// handler puts health and metrics before next.
func (h *health) handler(next http.Handler, metrics prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok", nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if missing := h.missing(); len(missing) > 0 {
			answer(w, http.StatusServiceUnavailable, "starting", missing)
			return
		}
		answer(w, http.StatusOK, "ready", nil)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.Handle("/", next)
	return mux
}

func answer(w http.ResponseWriter, code int, status string, waiting []string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	body := map[string]any{"status": status}
	if len(waiting) > 0 {
		body["waiting_for"] = waiting
	}
	_ = json.NewEncoder(w).Encode(body)
}
