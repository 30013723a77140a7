/* In place of the theme's charts, 200 kB that each page would read: ours are SVG, drawn on the server. */
