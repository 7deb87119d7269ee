// What github.com/robfig/cron v1.2.0 says of each schedule on standard input: refused, never, or when it comes first after
// the beginning of 2024. Its answers are in ../cron.tsv.
package main

import (
	"bufio"
	"fmt"
	"os"
	"time"

	"github.com/robfig/cron"
)

func main() {
	in := bufio.NewScanner(os.Stdin)
	from := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for in.Scan() {
		s, err := cron.Parse(in.Text())
		if err != nil {
			fmt.Printf("refused\t%s\n", in.Text())
			continue
		}
		n := s.Next(from)
		if n.IsZero() {
			fmt.Printf("never\t%s\n", in.Text())
			continue
		}
		fmt.Printf("%s\t%s\n", n.Format("2006-01-02T15:04:05"), in.Text())
	}
}
