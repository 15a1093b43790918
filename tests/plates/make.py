"""Makes book.xlsx: python make.py book.xlsx (openpyxl)."""
import openpyxl,sys
wb=openpyxl.Workbook(); ws=wb.active; ws.title="About"; 
d=wb.create_sheet("Data")
ws2=wb.create_sheet("Other")
rows=[["# synthetic: made by hand"],["FAC (mM Fe)","time (h)","role","signal"],[0,48,"vehicle",100.5],[5,48,"sample",20.25],[10,48,None,3],[0,48,"blank",2]]
for i,r in enumerate(rows):
    for j,v in enumerate(r): 
        if v is not None: d.cell(row=i+2,column=j+2,value=v)
ws2["A1"]="FAC (mM Fe)";ws2["B1"]="signal";ws2["A2"]=1;ws2["B2"]="#DIV/0!"
ws2["B2"].data_type="e"
wb.save(sys.argv[1])
