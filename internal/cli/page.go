package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strconv"

	"google.golang.org/protobuf/proto"
)

const pageSize = 1000

// message is a pointer to a generated message.
type message[T any] interface {
	*T
	proto.Message
}

// rows is a list: its rows, and the same as the API's JSON with all pages merged.
type rows[M any] struct {
	items []M
	raw   json.RawMessage
}

// list reads the pages of a list. A limit above zero ends it after that many rows; the JSON then names the next page.
func list[T any, M message[T]](ctx context.Context, c *client, path string, query url.Values, limit int) (rows[M], error) {
	out := rows[M]{}
	merged := struct {
		Items []json.RawMessage `json:"items"`
		Next  string            `json:"next_page_token"`
	}{Items: []json.RawMessage{}}
	q := url.Values{}
	maps.Copy(q, query)
	for {
		q.Set("page_size", strconv.Itoa(pageSize))
		if limit > 0 {
			q.Set("page_size", strconv.Itoa(min(pageSize, limit-len(merged.Items))))
		}
		raw, err := c.get(ctx, path, q, nil)
		if err != nil {
			return out, err
		}
		page := merged
		page.Items, page.Next = nil, ""
		if err := json.Unmarshal(raw, &page); err != nil {
			return out, fmt.Errorf("the server's answer is not a list: %w", err)
		}
		// A page without rows and a token that stays the same would go round for ever.
		if page.Next != "" && (page.Next == merged.Next || len(page.Items) == 0) {
			return out, fmt.Errorf("the server's list of %s does not end", path)
		}
		merged.Items, merged.Next = append(merged.Items, page.Items...), page.Next
		if page.Next == "" || (limit > 0 && len(merged.Items) >= limit) {
			break
		}
		q.Set("page_token", page.Next)
	}
	for _, item := range merged.Items {
		m := M(new(T))
		if err := decode(item, m); err != nil {
			return out, fmt.Errorf("the server's answer cannot be read: %w", err)
		}
		out.items = append(out.items, m)
	}
	var err error
	out.raw, err = json.Marshal(merged)
	return out, err
}

func indentJSON(raw []byte) ([]byte, error) {
	var b bytes.Buffer
	if err := json.Indent(&b, bytes.TrimSpace(raw), "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
